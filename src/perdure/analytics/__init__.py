"""How many, when, how long, from where to where: figures of a site or a run, as tables, plots and reports."""

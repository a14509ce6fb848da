"""What is worth telling: Change -> Event. Pure."""

"""YAML in which a name may be given once only: of two cameras of one name the first would be lost in silence."""

from __future__ import annotations

import yaml


class _Loader(yaml.SafeLoader):
    """Refuses a key that a mapping has already."""


def _mapping(loader: _Loader, node: yaml.MappingNode) -> dict[object, object]:
    seen: set[object] = set()
    for key, _ in node.value:
        name = key.value if isinstance(key, yaml.ScalarNode) else None
        if name is not None and name in seen and key.tag != "tag:yaml.org,2002:merge":
            raise yaml.constructor.ConstructorError(None, None, f"{name!r} is given twice", key.start_mark)
        seen.add(name)
    loader.flatten_mapping(node)
    return loader.construct_mapping(node, deep=True)


_Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)


def content_of(text: str) -> object:
    """What a YAML text says, as plain data.

    Raises:
        yaml.YAMLError: it is not YAML, or gives a name twice; says in which line.
    """
    return yaml.load(text, _Loader)

"""wavenet recipes."""

from .common import Json, say


def recipes(as_json: Json = False) -> None:
    """List the built-in recipes.

    Example: wavenet recipes
    """
    from data.built_in import names, summary

    say({name: "{}, {} cases".format(*summary(name)) for name in names()}, as_json)

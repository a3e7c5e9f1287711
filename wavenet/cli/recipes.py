"""wavenet recipes."""

from .common import Json, say


def recipes(as_json: Json = False) -> None:
    """List the built-in recipes.

    Example: wavenet recipes
    """
    from data.recipe import load, names

    summary = {name: load(name).recipe for name in names()}
    say({name: f"{recipe.task}, {recipe.cases} cases" for name, recipe in summary.items()}, as_json)

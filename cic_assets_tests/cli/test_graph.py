import io

from rich.console import Console

from cic_assets.cli.graph import _print_failure


def test_a_failure_is_one_line_and_the_rest_of_it_is_indented():
    target = io.StringIO()
    _print_failure(Console(file=target, width=40), f"vgg_model: died [/x] {'x' * 60}\nlast\nwords")
    assert target.getvalue() == f"failed vgg_model: died [/x] {'x' * 60}\n    last\n    words\n"

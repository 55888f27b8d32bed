"""The pictures of a run, for print and for the page; which there are, and in what order.

Line styles, markers and hatching say once more what the colours say.
"""

from collections.abc import Sequence

from rusteval.reports.analysis import ModeView
from rusteval.reports.charts_effort import effort_chart
from rusteval.reports.charts_failures import code_chart, outcome_chart
from rusteval.reports.charts_scores import category_chart, difference_chart, pass_chart
from rusteval.reports.drawing import Chart
from rusteval.reports.run_view import RunView

CHART_NAMES = ("pass_at_k", "task_differences", "categories", "outcomes", "error_codes", "effort")


def draw_charts(run: RunView, views: Sequence[ModeView]) -> list[Chart]:
    """Draw all charts that the run has data for; the same run gives the same bytes."""
    drawn = (
        pass_chart(run, views),
        difference_chart(run, views[0]),
        category_chart(run, views[0]),
        outcome_chart(views),
        code_chart(views[0]),
        effort_chart(views[0]),
    )
    return [chart for chart in drawn if chart is not None]

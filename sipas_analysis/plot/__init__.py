"""Pictures to call from Python: ``sipas.plot.ranking(ranked)`` draws on axes of matplotlib.

Each function takes a result and returns the axes, as seaborn does: ``ax`` are the axes to draw on,
the current ones if left out; nothing is shown or saved. Values stand on real scales, so lines,
limits and titles can be added. Rows, marks, colours and words are those of the reports
(``reports.picture_rows``). Figures of too few people are counted, not drawn.

Several pictures in one figure need a layout that makes room for their labels, else they overlap:

    >>> import matplotlib.pyplot as plt
    >>> import sipas_analysis as sipas
    >>> survey = sipas.read_survey(sipas.read_wave("data/an-giang-2021/wave.yaml"))
    >>> drivers = sipas.drivers(survey, ["linear", "logit"])
    >>> figure, axs = plt.subplots(1, 2, figsize=(11, 4), layout="constrained")
    >>> for ax, model in zip(axs, ["linear", "logit"]):
    ...     ax = sipas.plot.drivers(drivers, model, ax=ax)
    >>> plt.close(figure)
"""

from sipas_analysis.extras import require_library

require_library("matplotlib")

from sipas_analysis.plot.answers import likert as likert
from sipas_analysis.plot.changes import change as change
from sipas_analysis.plot.coefficients import drivers as drivers
from sipas_analysis.plot.importances import importance as importance
from sipas_analysis.plot.importances import priority as priority
from sipas_analysis.plot.indices import index as index
from sipas_analysis.plot.indices import ranking as ranking
from sipas_analysis.plot.item_quality import reliability as reliability

__all__ = [
    "change",
    "drivers",
    "importance",
    "index",
    "likert",
    "priority",
    "ranking",
    "reliability",
]

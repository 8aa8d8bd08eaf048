"""From citizens' answers to the yearly SIPAS report.

``import sipas_analysis as sipas`` loads no module. A name is loaded from its subpackage when the
name is first used, so that ``sipas --help`` starts without delay.
"""

from importlib import import_module
from typing import TYPE_CHECKING

__version__ = "0.17.0"

_HOMES = {
    # read
    "read_wave": "collect.wave",
    "read_survey": "collect.survey",
    "survey": "collect.frame_survey",
    "read_instrument": "instrument.pack",
    "read_records": "records.office_records",
    "check": "quality.findings",
    # draw and weight
    "Design": "infer.design",
    "Replicates": "infer.design",
    "sample_size": "infer.sample_size",
    "draw": "infer.sample_draw",
    "post_stratify": "infer.weighting",
    "rake": "infer.weighting",
    "calibrate": "infer.weighting",
    "trim": "infer.weighting",
    # estimate
    "mean": "infer.means",
    "total": "infer.means",
    "ratio": "infer.means",
    "proportion": "infer.shares",
    "variance": "infer.population_variance",
    "quantile": "infer.quantiles",
    "standardise": "infer.standardisation",
    "cross_table": "infer.cross_tables",
    "t_test": "infer.group_tests",
    "rank_test": "infer.group_tests",
    "pool_estimates": "explain.pool_results",
    # measure
    "score": "measure.scores",
    "compare_rules": "measure.rule_comparison",
    "rank": "measure.ranking",
    "rank_sets": "measure.ranking",
    "compare": "measure.change",
    "decompose": "measure.decomposition",
    "small_area": "measure.pooling",
    "case_mix": "measure.adjustment",
    "reliability": "measure.reliability",
    "polychoric": "measure.polychoric",
    "icc": "measure.intraclass",
    # explain
    "drivers": "explain.drivers",
    "fit": "explain.regression",
    "pool_fits": "explain.pool_results",
    "importance": "explain.importance",
    "priority": "explain.priority",
    "penalties": "explain.penalty_reward",
    "table": "explain.model_table",
    # report
    "plan": "improve.plan",
    "read_plan": "improve.plan_file",
    "verdict": "improve.verdict",
    "report": "reports.report",
}
_ROOMS = ("plot",)  # subpackages that are themselves names: sipas.plot.ranking(…)
__all__ = [*_HOMES, *_ROOMS]  # noqa: PLE0604 (all are text)

if TYPE_CHECKING:
    from sipas_analysis import plot as plot
    from sipas_analysis.collect.frame_survey import survey as survey
    from sipas_analysis.collect.survey import read_survey as read_survey
    from sipas_analysis.collect.wave import read_wave as read_wave
    from sipas_analysis.explain.drivers import drivers as drivers
    from sipas_analysis.explain.importance import importance as importance
    from sipas_analysis.explain.model_table import table as table
    from sipas_analysis.explain.penalty_reward import penalties as penalties
    from sipas_analysis.explain.pool_results import pool_estimates as pool_estimates
    from sipas_analysis.explain.pool_results import pool_fits as pool_fits
    from sipas_analysis.explain.priority import priority as priority
    from sipas_analysis.explain.regression import fit as fit
    from sipas_analysis.improve.plan import plan as plan
    from sipas_analysis.improve.plan_file import read_plan as read_plan
    from sipas_analysis.improve.verdict import verdict as verdict
    from sipas_analysis.infer.cross_tables import cross_table as cross_table
    from sipas_analysis.infer.design import Design as Design
    from sipas_analysis.infer.design import Replicates as Replicates
    from sipas_analysis.infer.group_tests import rank_test as rank_test
    from sipas_analysis.infer.group_tests import t_test as t_test
    from sipas_analysis.infer.means import mean as mean
    from sipas_analysis.infer.means import ratio as ratio
    from sipas_analysis.infer.means import total as total
    from sipas_analysis.infer.population_variance import variance as variance
    from sipas_analysis.infer.quantiles import quantile as quantile
    from sipas_analysis.infer.sample_draw import draw as draw
    from sipas_analysis.infer.sample_size import sample_size as sample_size
    from sipas_analysis.infer.shares import proportion as proportion
    from sipas_analysis.infer.standardisation import standardise as standardise
    from sipas_analysis.infer.weighting import calibrate as calibrate
    from sipas_analysis.infer.weighting import post_stratify as post_stratify
    from sipas_analysis.infer.weighting import rake as rake
    from sipas_analysis.infer.weighting import trim as trim
    from sipas_analysis.instrument.pack import read_instrument as read_instrument
    from sipas_analysis.measure.adjustment import case_mix as case_mix
    from sipas_analysis.measure.change import compare as compare
    from sipas_analysis.measure.decomposition import decompose as decompose
    from sipas_analysis.measure.intraclass import icc as icc
    from sipas_analysis.measure.polychoric import polychoric as polychoric
    from sipas_analysis.measure.pooling import small_area as small_area
    from sipas_analysis.measure.ranking import rank as rank
    from sipas_analysis.measure.ranking import rank_sets as rank_sets
    from sipas_analysis.measure.reliability import reliability as reliability
    from sipas_analysis.measure.rule_comparison import compare_rules as compare_rules
    from sipas_analysis.measure.scores import score as score
    from sipas_analysis.quality.findings import check as check
    from sipas_analysis.records.office_records import read_records as read_records
    from sipas_analysis.reports.report import report as report


def __getattr__(name: str) -> object:
    if name in _ROOMS:
        return import_module(f"sipas_analysis.{name}")
    if name not in _HOMES:
        raise AttributeError(f"sipas_analysis has no {name!r}")
    function = getattr(import_module(f"sipas_analysis.{_HOMES[name]}"), name)
    globals()[name] = function
    return function


def __dir__() -> list[str]:
    return [*__all__, "__version__"]

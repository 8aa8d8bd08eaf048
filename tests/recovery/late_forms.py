"""Forms whose answers depend on how late the dossier was, with the true part that vanishes (D7)."""

from dataclasses import dataclass

import numpy as np
import pandas as pd


@dataclass(frozen=True)
class Town:
    """What is true of the simulated people.

    Attributes:
        n: Forms.
        clusters: Clusters of equal size; 0 draws people one by one.
        often: Share of dossiers that are late.
        scale: Mean of the days beyond the first of a late dossier, negative binomial.
        of_lateness: Levels of the attitude score that a day late takes.
        on_whole: Levels of the whole that a day late takes.
        of_attitude: Levels of the whole per level of the attitude score.
    """

    n: int = 300
    clusters: int = 0
    often: float = 0.35
    scale: float = 3.0
    of_lateness: float = -0.15
    on_whole: float = -0.10
    of_attitude: float = 0.40

    @property
    def vanished(self) -> float:
        """The true percentage of the coefficient of the attitude that vanishes.

        With v = Var(days) and a, c the effects of a day on attitude and whole: the coefficient
        without the days is β + c·a·v/(a²·v + σ²).
        """
        spread = self.scale + self.scale**2  # of a geometric number of days
        square = self.often * (spread + (1 + self.scale) ** 2)
        variance = square - (self.often * (1 + self.scale)) ** 2
        of_score = self.of_lateness**2 * variance + ATTITUDE**2 + PLACE**2 * (self.clusters > 0)
        taken = self.on_whole * self.of_lateness * variance / of_score
        return 100 * taken / (self.of_attitude + taken)


ATTITUDE, PLACE = 0.7, 0.3  # deviations of the attitude score among people, and among clusters


def draw_town(town: Town, rng: np.random.Generator) -> pd.DataFrame:
    """Return forms: ``access attitude whole days place``."""
    place = np.repeat(np.arange(max(town.clusters, 1)), town.n // max(town.clusters, 1))
    n = len(place)
    of_place = PLACE * rng.standard_normal(max(town.clusters, 1)) * (town.clusters > 0)
    more = rng.geometric(1 / (1 + town.scale), n) - 1
    days = np.where(rng.random(n) < town.often, 1.0 + more, 0.0)
    access = 4 + 0.7 * rng.standard_normal(n)
    attitude = 4 + town.of_lateness * days + ATTITUDE * rng.standard_normal(n) + of_place[place]
    noise = rng.standard_t(6, n) * 0.5
    whole = town.of_attitude * attitude + 0.4 * access + town.on_whole * days + noise
    columns = {"access": access, "attitude": attitude, "whole": whole, "days": days}
    return pd.DataFrame({**columns, "place": place})

"""
Upper limits by RooStats for `limits_beside_roostats.py`, which runs this with an interpreter that has ROOT.

Imports nothing of ours. Reads `{"level", "toys", "seeds", "workspaces": [...]}` from standard input, with
workspaces like `workspace.json` of `na64 limit`, and writes `{"version", "limits": [...]}`: a list per
workspace, a limit per seed. They are CLs of the HypoTestInverter with the HybridCalculator: toys draw the
nuisances from their constraints, then the counts, ordered by the ratio of likelihoods at nominal nuisances.
"""

import json
import sys
from typing import Any

import ROOT

LEAST = 1e-6  # events: the logarithm of no background at all is not finite
WIDE, NEAR = (0.5, 30.0), (0.8, 1.2)  # scans: [events of signal], [of the limit that the wide scan found]
POINTS = 8  # of a scan


class Model:
    """A counting model in RooFit; it keeps alive what ROOT only points to."""

    def __init__(self, workspace: dict[str, Any]) -> None:
        """Build Poisson terms, their data and the prior of the nuisances."""
        channels = workspace["channels"]
        self.total = sum(s["data"][0] for c in channels for s in c["samples"] if is_signal(s))
        self.strength = ROOT.RooRealVar("mu", "", 1.0, 0.0, 100.0 * WIDE[1] / self.total)
        names = {m["name"] for c in channels for s in c["samples"] for m in s["modifiers"]} - {"mu"}
        self.pulls = {name: ROOT.RooRealVar(f"pull_{name}", "", 0.0, -6.0, 6.0) for name in sorted(names)}
        self.kept: list[Any] = []
        self.counts, terms = ROOT.RooArgSet(), ROOT.RooArgList()
        for channel, seen in zip(channels, workspace["observations"], strict=True):
            name = channel["name"]
            mean = self.keep(ROOT.RooAddition(f"mean_{name}", "", self.means(channel)))
            count = self.keep(ROOT.RooRealVar(f"n_{name}", "", seen["data"][0], 0.0, 10_000.0))
            self.counts.add(count)
            terms.add(self.keep(ROOT.RooPoisson(f"poisson_{name}", "", count, mean)))
        self.pdf = ROOT.RooProdPdf("counts", "", terms)
        self.data = ROOT.RooDataSet("data", "", self.counts)
        self.data.add(self.counts)
        priors = ROOT.RooArgList()
        for name, pull in self.pulls.items():
            zero, one = (self.keep(ROOT.RooFit.RooConst(x)) for x in (0.0, 1.0))
            priors.add(self.keep(ROOT.RooGaussian(f"prior_{name}", "", pull, zero, one)))
        self.prior = ROOT.RooProdPdf("prior", "", priors) if self.pulls else None

    def keep(self, thing: Any) -> Any:
        """Return what ROOT points to, after remembering it."""
        self.kept.append(thing)
        return thing

    def means(self, channel: dict[str, Any]) -> Any:
        """Return the expected events of every sample of a channel."""
        means = ROOT.RooArgList()
        for number, sample in enumerate(channel["samples"]):
            name = f"{channel['name']}_{number}"
            errors = [m for m in sample["modifiers"] if m["type"] == "normsys"]
            factors = ROOT.RooArgList(
                self.keep(ROOT.RooRealVar(f"events_{name}", "", max(sample["data"][0], LEAST)))
            )
            if errors:
                pulls = ROOT.RooArgList()
                for error in errors:
                    pulls.add(self.pulls[error["name"]])
                low, high = (
                    ROOT.std.vector["double"]([e["data"][end] for e in errors]) for end in ("lo", "hi")
                )
                exponential = ROOT.std.vector["int"]([1] * len(errors))
                shift = ROOT.RooStats.HistFactory.FlexibleInterpVar
                factors.add(self.keep(shift(f"factor_{name}", "", pulls, 1.0, low, high, exponential)))
            if is_signal(sample):
                factors.add(self.strength)
            means.add(self.keep(ROOT.RooProduct(f"mean_{name}", "", factors)))
        return means

    def config(self, name: str, strength: float) -> Any:
        """Return the hypothesis of a strength."""
        config = self.keep(ROOT.RooStats.ModelConfig(name))
        config.SetWorkspace(self.keep(ROOT.RooWorkspace(f"workspace_{name}")))
        config.SetPdf(self.pdf)
        config.SetObservables(self.counts)
        config.SetParametersOfInterest(ROOT.RooArgSet(self.strength))
        if self.pulls:
            config.SetNuisanceParameters(self.nuisances())
        self.strength.setVal(strength)
        config.SetSnapshot(ROOT.RooArgSet(self.strength))
        return config

    def nuisances(self) -> Any:
        """Return all pulls."""
        found = ROOT.RooArgSet()
        for pull in self.pulls.values():
            found.add(pull)
        return found

    def at(self, strength: float) -> Any:
        """Return a copy of all parameters, pulls at 0."""
        self.strength.setVal(strength)
        for pull in self.pulls.values():
            pull.setVal(0.0)
        return self.keep(ROOT.RooArgSet(self.strength, self.nuisances()).snapshot())


def is_signal(sample: dict[str, Any]) -> bool:
    """Return whether the strength multiplies a sample."""
    return any(modifier["type"] == "normfactor" for modifier in sample["modifiers"])


def scan(model: Model, low: float, high: float, toys: int, level: float) -> float:
    """Return the upper limit of a scan of the strength."""
    null, other = model.config("with", 1.0), model.config("without", 0.0)
    calculator = ROOT.RooStats.HybridCalculator(model.data, other, null)
    if model.prior:
        calculator.ForcePriorNuisanceNull(model.prior)
        calculator.ForcePriorNuisanceAlt(model.prior)
    calculator.SetToys(toys, toys)
    ratio = ROOT.RooStats.SimpleLikelihoodRatioTestStat(model.pdf, model.pdf)
    ratio.SetNullParameters(model.at(1.0))
    ratio.SetAltParameters(model.at(0.0))
    sampler = calculator.GetTestStatSampler()
    sampler.SetTestStatistic(ratio)
    sampler.SetNEventsPerToy(1)
    inverter = ROOT.RooStats.HypoTestInverter(calculator)
    inverter.SetConfidenceLevel(level)
    inverter.UseCLs(True)
    inverter.SetFixedScan(POINTS, low, high, True)
    return float(inverter.GetInterval().UpperLimit())


def main() -> None:
    """Answer what standard input asks for."""
    ROOT.gROOT.SetBatch(True)
    ROOT.RooMsgService.instance().setGlobalKillBelow(ROOT.RooFit.ERROR)
    asked = json.load(sys.stdin)
    random, toys, level = ROOT.RooRandom.randomGenerator(), asked["toys"], asked["level"]
    limits = []
    for workspace in asked["workspaces"]:
        model = Model(workspace)
        random.SetSeed(asked["seeds"][0])
        near = scan(model, WIDE[0] / model.total, WIDE[1] / model.total, toys, level)
        limits.append([])
        for seed in asked["seeds"]:
            random.SetSeed(seed)
            limits[-1].append(scan(model, NEAR[0] * near, NEAR[1] * near, toys, level))
    print(json.dumps({"version": ROOT.gROOT.GetVersion(), "limits": limits}))


if __name__ == "__main__":
    main()

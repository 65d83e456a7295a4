"""ROOT's side of `raw_chain.py`: RDataFrame with compiled C++, told what to do through standard input.

Run by the Python that has the `ROOT` package; knows nothing of this project but the table that it is given.
Each line of input is a path; the answer is a line with seconds and the sum of the histogram's contents, and
the contents themselves in the file that the table names.
"""

import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import ROOT

SOURCE = r"""
#pragma cling optimize(3)
#include <ROOT/RDataFrame.hxx>
#include <ROOT/RVec.hxx>
#include <cmath>
#include <cstdint>
#include <type_traits>
#include <vector>

namespace peaks {
using ROOT::RVec;
std::vector<double> gain, expected;
std::vector<int> sum_of;

struct Pulses { std::vector<double> energy, time; };
using Nested = RVec<RVec<std::uint16_t>>;
using Flat = RVec<std::uint16_t>;

inline const std::uint16_t *waveform(const Nested &s, std::size_t i) { return s[i].data(); }
inline const std::uint16_t *waveform(const Flat &s, std::size_t i) { return s.data() + 32 * i; }

template <class Samples>
Pulses find(const RVec<int> &channel, const Samples &samples) {
  const std::size_t n = channel.size();
  Pulses out{std::vector<double>(n), std::vector<double>(n)};
  for (std::size_t i = 0; i < n; ++i) {
    const std::uint16_t *s = waveform(samples, i);
    std::int32_t even = 0, odd = 0;
    for (int k = 0; k < 8; k += 2) { even += s[k]; odd += s[k + 1]; }
    std::int32_t top_even = 0, top_odd = 0;  // in quarters of a count: whole numbers are faster
    for (int k = 0; k < 32; k += 2) {
      top_even = s[k] > top_even ? s[k] : top_even;
      top_odd = s[k + 1] > top_odd ? s[k + 1] : top_odd;
    }
    const std::int32_t one = 4 * top_even - even, other = 4 * top_odd - odd, top = one > other ? one : other;
    int at = 0;
    while (4 * s[at] - (at & 1 ? odd : even) < top) ++at;
    std::int32_t below = top, here = top;
    for (; at > 0; --at) {
      below = 4 * s[at - 1] - (at & 1 ? even : odd);
      if (2 * below <= top) break;
      here = below;
    }
    const double height = top / 4.0;
    double t = std::nan("");
    if (at > 0 && height >= 6.0)
      t = (at - 1 + (0.5 * top - below) / (here - below)) * 12.5 - expected[channel[i]];
    out.time[i] = t;
    out.energy[i] = std::abs(t) < 25.0 ? height * gain[channel[i]] : 0.0;
  }
  return out;
}

template <int which>
double sum(const RVec<int> &channel, const Pulses &pulses) {
  double total = 0.0;
  for (std::size_t i = 0; i < channel.size(); ++i)
    if (sum_of[channel[i]] == which) total += pulses.energy[i];
  return total;
}

template <class Samples>
TH2D run(const char *path, const char *samples) {
  ROOT::RDataFrame frame("raw", path);
  auto histogram =
      frame.Define("pulses", find<Samples>, {"adc_channel", samples})
          .Define("ecal", sum<0>, {"adc_channel", "pulses"})
          .Define("hcal", sum<1>, {"adc_channel", "pulses"})
          .template Histo2D<double, double>({"plane", "", 150, 0.0, 150.0, 150, 0.0, 150.0}, "ecal", "hcal");
  return *histogram;
}
}  // namespace peaks
"""


def main(table_path: str, histogram_path: str) -> None:
    """Answer until the input ends."""
    ROOT.gErrorIgnoreLevel = ROOT.kError
    ROOT.DisableImplicitMT()
    ROOT.TH1.AddDirectory(False)
    if not ROOT.gInterpreter.Declare(SOURCE):
        sys.exit("ROOT did not compile its side of the benchmark")
    table = json.loads(Path(table_path).read_text())
    for name, values in table.items():
        _fill(getattr(ROOT.peaks, name), values)
    say({"version": str(ROOT.gROOT.GetVersion())})
    for line in sys.stdin:
        path = line.strip()
        kind = ROOT.RDataFrame("raw", path).GetColumnType("adc_samples")
        run = ROOT.peaks.run["peaks::Nested" if kind.count("RVec") == 2 else "peaks::Flat"]
        begin, cpu = time.perf_counter(), time.process_time()
        plane = run(path, "adc_samples")
        seconds, cpu = time.perf_counter() - begin, time.process_time() - cpu
        contents = [[plane.GetBinContent(x, y) for y in range(1, 151)] for x in range(1, 151)]
        np.save(histogram_path, np.array(contents))
        say({"seconds": seconds, "cpu": cpu})


def _fill(vector: Any, values: Any) -> None:
    for value in values:
        vector.push_back(value)


def say(what: dict) -> None:
    """Write one line of JSON."""
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


main(*sys.argv[1:])

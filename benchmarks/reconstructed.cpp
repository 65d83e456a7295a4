// What `processors.invisible` does with the p348reco tree, for RDataFrame: energies in time, SRD tag, shower fit,
// cuts and histograms. Compiled by ROOT's interpreter; `root_reconstructed.py` fills the constants.
#pragma cling optimize(3)
#include <ROOT/RDataFrame.hxx>
#include <ROOT/RVec.hxx>
#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <string>
#include <vector>

namespace chain {
using ROOT::RVec;
const double nan_ = std::numeric_limits<double>::quiet_NaN();
std::vector<double> share, width, offset, balance, edge_offset, edge_balance, spread, limits, windows;

struct Event {
  double ecal_energy, ps_energy, hcal_energy, srd_energy, veto_energy, veto_panel_energy, ecal_shower_chi2;
  double ecal_x, ecal_y, ecal_cell_distance, ecal_out_of_time_energy, ecal_time, veto_time, srd_time;
  unsigned cuts;  // a bit for each that is passed
  bool shown;
};

struct Hist { std::string columns; unsigned mask; int nx, ny; double low_x, high_x, low_y, high_y, scale; };
std::vector<Hist> hists;
void declare(const char *columns, unsigned mask, int nx, int ny, double lx, double hx, double ly, double hy, double s) {
  hists.push_back({columns, mask, nx, ny, lx, hx, ly, hy, s});
}

struct Sums { double inside = 0, outside = 0, weight = 0, moment = 0; };
inline void add(Sums &s, double energy, double t, double early, double late) {
  if (energy == 0.0) return;
  if (std::isnan(energy)) s.inside = nan_;
  else if (early <= t && t <= late) {
    s.inside += energy;
    if (energy > 0.0) { s.weight += energy; s.moment += energy * t; }
  } else if (!std::isnan(t)) s.outside += energy;
  else s.inside = nan_;
}

double invert(double value, const std::vector<double> &b, const std::vector<double> &o) {
  if (value <= b.front()) return o.front();
  if (value >= b.back()) return o.back();
  const std::size_t above = std::lower_bound(b.begin(), b.end(), value) - b.begin();
  return o[above - 1] + (value - b[above - 1]) / (b[above] - b[above - 1]) * (o[above] - o[above - 1]);
}

double place(double low, double middle, double high, bool has_low, bool has_high) {
  if (has_low && has_high) return invert((high - low) / (low + middle + high), balance, offset);
  if (has_high) return invert(high / (middle + high), edge_balance, edge_offset);
  return -invert(low / (middle + low), edge_balance, edge_offset);
}

inline void normal(double z, double &p, double &d) {
  if (z > 6) { p = 0.5; d = 0; }
  else if (z < -6) { p = -0.5; d = 0; }
  else { p = 0.5 * std::erf(z * M_SQRT1_2); d = std::exp(-0.5 * z * z) * 0.3989422804014327; }
}

void strips(double low, double pitch, int n, double (*in)[5], double (*slope)[5]) {
  for (std::size_t k = 0; k < width.size(); ++k) {
    const double scale = 1 / width[k];
    double below, before, above, after;
    normal(low * scale, below, before);
    for (int i = 0; i < n; ++i) {
      normal((low + (i + 1) * pitch) * scale, above, after);
      in[k][i] = above - below;
      slope[k][i] = (before - after) * scale;
      below = above;
      before = after;
    }
  }
}

// chi2 per degree of freedom of the 5 x 5 cells around the brightest one; x and y from the centre of the grid
double fit(const double (*cells)[6], int i, int j, double pitch, double &x_out, double &y_out) {
  const int x0 = std::max(i - 2, 0), y0 = std::max(j - 2, 0), nx = std::min(i + 3, 6) - x0, ny = std::min(j + 3, 6) - y0;
  double around[3][3], energy = 0;
  for (int k = 0; k < 3; ++k)
    for (int m = 0; m < 3; ++m) {
      const int a = i + k - 1, b = j + m - 1;
      around[k][m] = a >= 0 && a < 6 && b >= 0 && b < 6 ? std::max(cells[a][b], 0.0) : 0.0;
    }
  double in_x[3], in_y[3];
  for (int k = 0; k < 3; ++k) {
    in_x[k] = around[k][0] + around[k][1] + around[k][2];
    in_y[k] = around[0][k] + around[1][k] + around[2][k];
  }
  for (int a = 0; a < nx; ++a)
    for (int b = 0; b < ny; ++b) energy += cells[x0 + a][y0 + b];
  if (!(energy > 0)) return nan_;
  double x = place(in_x[0], in_x[1], in_x[2], i > 0, i < 5), y = place(in_y[0], in_y[1], in_y[2], j > 0, j < 5);
  double best_x = x, best_y = y, best = std::numeric_limits<double>::infinity();
  double px[8][5], sx[8][5], py[8][5], sy[8][5];
  for (int step = 0; step <= 2; ++step) {
    strips((x0 - i - 0.5) * pitch - x, pitch, nx, px, sx);
    strips((y0 - j - 0.5) * pitch - y, pitch, ny, py, sy);
    double inside = 0, inside_x = 0, inside_y = 0;
    for (std::size_t k = 0; k < share.size(); ++k) {
      double a = 0, b = 0, c = 0, d = 0;
      for (int m = 0; m < nx; ++m) { a += px[k][m]; c += sx[k][m]; }
      for (int m = 0; m < ny; ++m) { b += py[k][m]; d += sy[k][m]; }
      inside += share[k] * a * b;
      inside_x += share[k] * c * b;
      inside_y += share[k] * a * d;
    }
    const double variance = spread[0] * inside / energy + spread[1], noise = spread[2] / (energy * energy);
    double chi2 = 0, to_x = 0, to_y = 0, xx = 0, xy = 0, yy = 0;
    for (int a = 0; a < nx; ++a)
      for (int b = 0; b < ny; ++b) {
        double p = 0, p_x = 0, p_y = 0;
        for (std::size_t k = 0; k < share.size(); ++k) {
          p += share[k] * px[k][a] * py[k][b];
          p_x += share[k] * sx[k][a] * py[k][b];
          p_y += share[k] * px[k][a] * sy[k][b];
        }
        p /= inside;
        p_x = (p_x - p * inside_x) / inside;
        p_y = (p_y - p * inside_y) / inside;
        const double weight = 1 / (variance * p + noise + spread[3] * p * p), rest = cells[x0 + a][y0 + b] / energy - p;
        chi2 += weight * rest * rest;
        to_x += weight * rest * p_x;
        to_y += weight * rest * p_y;
        xx += weight * p_x * p_x;
        xy += weight * p_x * p_y;
        yy += weight * p_y * p_y;
      }
    if (chi2 < best) {
      best_x = x; best_y = y; best = chi2;
      const double det = xx * yy - xy * xy;
      if (step == 2 || !(det > 0)) break;
      x = std::min(std::max(x + (yy * to_x - xy * to_y) / det, -0.6 * pitch), 0.6 * pitch);
      y = std::min(std::max(y + (xx * to_y - xy * to_x) / det, -0.6 * pitch), 0.6 * pitch);
    } else { x = 0.5 * (best_x + x); y = 0.5 * (best_y + y); }
  }
  x_out = (i - 2.5) * pitch + best_x;
  y_out = (j - 2.5) * pitch + best_y;
  return best / (nx * ny - 3);
}

// limits: out-of-time ECAL, SRD module low and high, sum low and high, preshower low and high, shower chi2, VETO panel,
// pitch, x and y of the ECAL, its beam cell; windows: early and late of ECAL, SRD, VETO
Event reconstruct(const RVec<float> &ecal, const RVec<float> &ecal_t, const RVec<float> &srd, const RVec<float> &srd_t,
                  const RVec<float> &veto, const RVec<float> &veto_t, double master, bool physics, bool trigger,
                  float h0, float h1, float h2) {
  Event e;
  const double *w = windows.data(), *l = limits.data();
  Sums part[2], panels, modules;
  bool lit[2] = {false, false};
  double cells[6][6] = {};
  for (int s = 0; s < 2; ++s)
    for (int c = 0; c < 36; ++c) {
      const double energy = ecal[36 * s + c], t = ecal_t[36 * s + c] - master;
      lit[s] |= energy != 0;
      add(part[s], energy, t, w[0], w[1]);
      const bool in = (t >= w[0] && t <= w[1]) || std::isnan(energy);
      cells[c / 6][c % 6] += std::isnan(t) && energy != 0 ? nan_ : in ? energy : 0.0;
    }
  e.ps_energy = lit[0] ? part[0].inside : nan_;
  e.ecal_energy = e.ps_energy + (lit[1] ? part[1].inside : nan_);
  e.ecal_out_of_time_energy = part[0].outside + part[1].outside;
  const double weight = part[0].weight + part[1].weight;
  e.ecal_time = std::isfinite(e.ecal_energy) && weight > 0 ? (part[0].moment + part[1].moment) / weight : nan_;
  double total = 0;
  int i = 0, j = 0;
  for (int c = 0; c < 36; ++c) {
    total += cells[c / 6][c % 6];
    if (cells[c / 6][c % 6] > cells[i][j]) { i = c / 6; j = c % 6; }
  }
  e.ecal_shower_chi2 = e.ecal_x = e.ecal_y = e.ecal_cell_distance = nan_;
  int above = 0, good = 0;
  e.srd_energy = 0;
  for (int m = 0; m < 3; ++m) {
    Sums one;
    add(one, srd[m], srd_t[m] - master, w[2], w[3]);
    e.srd_energy += one.inside;
    modules.weight += one.weight;
    modules.moment += one.moment;
    above += one.inside > l[1];
    good += one.inside > l[1] && one.inside < l[2];
  }
  e.srd_time = std::isfinite(e.srd_energy) && modules.weight > 0 ? modules.moment / modules.weight : nan_;
  e.veto_energy = 0;
  e.veto_panel_energy = -std::numeric_limits<double>::infinity();
  bool veto_lit = false, quiet = true;
  for (int p = 0; p < 6; ++p) veto_lit |= veto[p] != 0;
  for (int p = 0; p < 3; ++p) {
    double pair[2];
    bool known = true;
    for (int m = 0; m < 2; ++m) {
      const double energy = veto[2 * p + m], t = veto_t[2 * p + m] - master;
      Sums one;
      add(one, energy, t, w[4], w[5]);
      panels.weight += one.weight;
      panels.moment += one.moment;
      known &= std::isfinite(energy) && (std::isfinite(t) || energy == 0);
      pair[m] = t >= w[4] && t <= w[5] && std::isfinite(energy) ? energy : 0.0;
    }
    const double low = std::min(pair[0], pair[1]), high = std::max(pair[0], pair[1]);
    double panel = low >= 0.3 * high && low > 0 ? std::sqrt(low * high) : high;
    if (!known || !veto_lit) panel = nan_;
    e.veto_energy += panel;
    quiet &= panel < l[8];
    e.veto_panel_energy = std::isnan(panel) ? nan_ : std::max(e.veto_panel_energy, panel);
  }
  e.veto_time = std::isfinite(e.veto_energy) && panels.weight > 0 ? panels.moment / panels.weight : nan_;
  e.hcal_energy = (h0 == 0 ? nan_ : h0) + (h1 == 0 ? nan_ : h1);
  e.hcal_energy += h2 == 0 ? nan_ : h2;
  const bool measured = std::abs(e.ecal_energy - 90) <= 110 && std::abs(e.hcal_energy - 90) <= 110;
  const bool in_time = std::isfinite(master) && measured && e.ecal_out_of_time_energy < l[0];
  const bool tagged = above == 3 && good >= 2 && e.srd_energy > l[3] && e.srd_energy < l[4];
  e.shown = measured && physics && trigger && in_time && tagged && !(e.ecal_energy < 50 && e.hcal_energy < 1);
  e.cuts = in_time | (tagged << 1);
  if (!e.shown) return e;
  if (total >= 1.0 && total < std::numeric_limits<double>::infinity()) {
    double x, y;
    e.ecal_shower_chi2 = fit(cells, i, j, l[9], x, y);
    if (std::isfinite(e.ecal_shower_chi2)) {
      e.ecal_x = l[10] + x;
      e.ecal_y = l[11] + y;
      e.ecal_cell_distance = std::max(std::abs(i - l[12]), std::abs(j - l[13]));
    }
  }
  e.cuts |= (e.ecal_cell_distance <= 0) << 2;
  e.cuts |= (e.ps_energy > l[5] && e.ps_energy < l[6]) << 3;
  e.cuts |= (e.ecal_shower_chi2 < l[7]) << 4;
  e.cuts |= (quiet && std::isfinite(e.veto_energy)) << 5;
  return e;
}

using Member = double Event::*;
Member member(const std::string &name) {
#define COLUMN(column) if (name == #column) return &Event::column;
  COLUMN(ecal_energy) COLUMN(ps_energy) COLUMN(hcal_energy) COLUMN(srd_energy) COLUMN(veto_energy)
  COLUMN(veto_panel_energy) COLUMN(ecal_shower_chi2) COLUMN(ecal_x) COLUMN(ecal_y) COLUMN(ecal_cell_distance)
  COLUMN(ecal_out_of_time_energy) COLUMN(ecal_time) COLUMN(veto_time) COLUMN(srd_time)
#undef COLUMN
  throw std::runtime_error("no column " + name);
}

struct Shown { bool operator()(const Event &e) const { return e.shown; } };
struct Passes { unsigned mask; bool operator()(const Event &e) const { return (e.cuts & mask) == mask; } };
struct Take { Member of; double scale; double operator()(const Event &e) const { return e.*of * scale; } };

struct Result { std::vector<double> contents; std::vector<long> counts; };

Result run(const char *path, int n_cuts) {
  ROOT::RDataFrame frame("tree", path);
  auto events = frame.Define("event", reconstruct, {"ECAL_ene", "ECAL_t0", "SRD_ene", "SRD_t0", "VETO_ene", "VETO_t0",
                                                     "masterTime", "isPhysics", "isTriggerPhysics", "hcal0", "hcal1", "hcal2"});
  auto shown = events.Filter(Shown{}, {"event"});
  std::vector<ROOT::RDF::RResultPtr<ULong64_t>> counts{frame.Count(), shown.Count()};
  for (int cut = 1; cut <= n_cuts; ++cut) {
    const unsigned mask = (1u << cut) - 1;
    counts.push_back(shown.Filter(Passes{mask}, {"event"}).Count());
  }
  std::vector<ROOT::RDF::RResultPtr<TH1D>> one;
  std::vector<ROOT::RDF::RResultPtr<TH2D>> two;
  for (const auto &h : hists) {
    const unsigned mask = h.mask;
    const double scale = h.scale;
    auto kept = shown.Filter(Passes{mask}, {"event"});
    const auto comma = h.columns.find(',');
    const Member x = member(h.columns.substr(0, comma));
    auto first = kept.Define("x", Take{x, scale}, {"event"});
    if (comma == std::string::npos) {
      one.push_back(first.Histo1D<double>({"", "", h.nx, h.low_x, h.high_x}, "x"));
      continue;
    }
    const Member y = member(h.columns.substr(comma + 1));
    auto both = first.Define("y", Take{y, 1.0}, {"event"});
    two.push_back(both.Histo2D<double, double>({"", "", h.nx, h.low_x, h.high_x, h.ny, h.low_y, h.high_y}, "x", "y"));
  }
  Result result;
  for (auto &n : counts) result.counts.push_back(*n);
  std::size_t next_one = 0, next_two = 0;
  for (const auto &h : hists) {
    if (h.ny == 0) {
      auto &made = *one[next_one++];
      for (int a = 1; a <= h.nx; ++a) result.contents.push_back(made.GetBinContent(a));
      continue;
    }
    auto &made = *two[next_two++];
    for (int a = 1; a <= h.nx; ++a)
      for (int b = 1; b <= h.ny; ++b) result.contents.push_back(made.GetBinContent(a, b));
  }
  return result;
}
}  // namespace chain

// Rewrite raw digits in ROOT's own form, adc_samples[n_adc][32]/s: made raw_root.root, of a test, from
//   na64 simulate na64e_2018 electron --events 50 --seed 64 --level raw --format ttree -o raw.root
//   root -l -b -q 'make_raw_root.C("raw.root", "raw_root.root")'
// In memory the flat samples of that file and the rows of 32 and of 3 are the same.
#include <TFile.h>
#include <TTree.h>

#include <cstdint>

void make_raw_root(const char *from, const char *to)
{
   constexpr int kMost = 4096; // channels of an event
   static int32_t run, spill, n_adc, n_apv, n_adc_samples, n_apv_samples;
   static int64_t event;
   static int32_t adc_channel[kMost], apv_detector[kMost], apv_channel[kMost];
   static uint16_t adc_samples[kMost][32], apv_samples[kMost][3];

   TFile input(from);
   auto *tree = input.Get<TTree>("raw");
   TFile output(to, "recreate", "", 505);
   TTree copy("raw", "raw digits in the form of ROOT");
   auto both = [&](const char *name, void *address, const char *leaf) {
      tree->SetBranchAddress(name, address);
      copy.Branch(name, address, leaf);
   };
   tree->SetBranchAddress("n_adc_samples", &n_adc_samples);
   tree->SetBranchAddress("n_apv_samples", &n_apv_samples);
   both("run", &run, "run/I");
   both("spill", &spill, "spill/I");
   both("event", &event, "event/L");
   both("n_adc", &n_adc, "n_adc/I");
   both("adc_channel", adc_channel, "adc_channel[n_adc]/I");
   both("adc_samples", adc_samples, "adc_samples[n_adc][32]/s");
   both("n_apv", &n_apv, "n_apv/I");
   both("apv_detector", apv_detector, "apv_detector[n_apv]/I");
   both("apv_channel", apv_channel, "apv_channel[n_apv]/I");
   both("apv_samples", apv_samples, "apv_samples[n_apv][3]/s");
   for (Long64_t entry = 0; entry < tree->GetEntries(); ++entry) {
      tree->GetEntry(entry);
      copy.Fill();
   }
   copy.Write();
}

"""What a calibration found: report and figures."""

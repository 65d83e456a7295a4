"""The detector model: frozen descriptions that every room of the project speaks in.

Coordinates are the experiment's: z along the incoming beam, y up, x to complete a right-handed frame.
Lengths in mm, times in ns, energies in GeV, fields in tesla, angles in rad.
"""

from recon.geometry.beam import Beam, Counter, Trigger
from recon.geometry.detector import Detector, Grid, Matter, Response, Section
from recon.geometry.profile import ShowerProfile
from recon.geometry.readout import Digitizer, StrawReadout, StripReadout
from recon.geometry.setup import Setup
from recon.geometry.spectrometer import Magnet, Plane, Spectrometer

__all__ = [
    "Beam",
    "Counter",
    "Detector",
    "Digitizer",
    "Grid",
    "Magnet",
    "Matter",
    "Plane",
    "Response",
    "Section",
    "Setup",
    "ShowerProfile",
    "Spectrometer",
    "StrawReadout",
    "StripReadout",
    "Trigger",
]

#!/usr/bin/env bash
# The same of PatientNow Essentials, half as long.
PROFILE=patientnow-essentials . "$(dirname "$0")/busy-day.sh"

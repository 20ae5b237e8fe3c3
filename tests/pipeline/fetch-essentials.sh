#!/usr/bin/env bash
# The same of PatientNow Essentials.
PROFILE=patientnow-essentials . "$(dirname "$0")/fetch.sh"

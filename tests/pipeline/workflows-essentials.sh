#!/usr/bin/env bash
# The same workflows for a practice with PatientNow Essentials: its webhooks, its API, its companies as facilities.
PROFILE=patientnow-essentials . "$(dirname "$0")/workflows.sh"

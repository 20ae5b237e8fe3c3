#!/usr/bin/env bash
# The short run of "make crash".
EVENTS=600 KILLS=50 PATIENTS=60 INTERVAL=600 SEED=7 HURRY=hurry exec bash "$(dirname "$0")/../crash/crash.sh"

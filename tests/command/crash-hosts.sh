#!/usr/bin/env bash
# The short run of "make crash ENGINE=postgresql".
ENGINE=postgresql EVENTS=300 KILLS=20 PATIENTS=60 INTERVAL=1000 SEED=11 CUT_SECONDS=12 DISTURB_SECONDS=2 HURRY=hurry \
	exec bash "$(dirname "$0")/../crash/crash.sh"

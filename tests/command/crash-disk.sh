#!/usr/bin/env bash
# The short run of "make crash" on a disk that is full or fails, now and then.
DISK='2 any 17' EVENTS=400 KILLS=25 PATIENTS=60 INTERVAL=800 SEED=9 HURRY=hurry exec bash "$(dirname "$0")/../crash/crash.sh"

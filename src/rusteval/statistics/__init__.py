"""From verdicts to numbers: pass@k, intervals, paired comparison."""

"""Where heavy work runs: one protocol, on the cores of this machine. Knows tasks, not pictures."""

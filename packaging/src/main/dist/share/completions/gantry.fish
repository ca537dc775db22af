gantry completion fish | source

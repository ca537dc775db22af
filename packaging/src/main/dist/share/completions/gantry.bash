# The command prints its own completion, so that the two cannot drift apart.
. <(gantry completion bash)

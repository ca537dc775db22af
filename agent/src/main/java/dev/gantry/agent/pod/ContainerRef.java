package dev.gantry.agent.pod;

import java.nio.file.Path;

/**
 * One run of a container, for reading its log or executing in it.
 *
 * @param pod name of the pod in its namespace
 * @param podUid uid of the pod
 * @param container name in the pod's spec
 * @param id the runtime's id, as CRI calls take it (without {@code scheme://})
 * @param logPath the file with lines in CRI's log format; may not exist when nothing was written
 * @param restartCount 0 for the first run
 * @param running whether it ran when this was asked
 * @param tty whether it has a terminal
 * @param stdin whether its standard input is open
 */
public record ContainerRef(
        PodKey pod,
        String podUid,
        String container,
        String id,
        Path logPath,
        int restartCount,
        boolean running,
        boolean tty,
        boolean stdin) {}

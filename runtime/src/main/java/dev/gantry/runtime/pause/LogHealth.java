package dev.gantry.runtime.pause;

import dev.gantry.linux.Errno;
import java.util.Optional;

/**
 * How a log file takes what is written to it.
 *
 * @param failure why the last write failed; empty while all is well
 * @param lostBytes output that never reached a log, since the process started
 * @param lostLines log lines that those bytes would have made
 */
public record LogHealth(Optional<Errno> failure, long lostBytes, long lostLines) {}

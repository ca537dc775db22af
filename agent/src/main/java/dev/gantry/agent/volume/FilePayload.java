package dev.gantry.agent.volume;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.Objects;
import java.util.OptionalInt;

/**
 * One file that a volume shows.
 *
 * @param path relative, slash-separated, without {@code ..}; see {@link VolumePaths#requireRelative}; normalised
 * @param data the content; owned by this record
 * @param mode permission bits, 0 to 0777
 * @param user that owns it; empty for the agent's
 */
@SuppressWarnings("ArrayRecordComponent") // compared by content below
record FilePayload(String path, byte[] data, int mode, OptionalInt user) {
    FilePayload {
        path = Path.of(path).normalize().toString();
        if (mode < 0 || mode > 0777) {
            throw new IllegalArgumentException("mode of '%s' is outside 0 to 0777: %o".formatted(path, mode));
        }
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof FilePayload that
                && path.equals(that.path)
                && mode == that.mode
                && user.equals(that.user)
                && Arrays.equals(data, that.data);
    }

    @Override
    public int hashCode() {
        return Objects.hash(path, mode, user, Arrays.hashCode(data));
    }

    /** Without the data, which may be a secret. */
    @Override
    public String toString() {
        return "%s (%d bytes, mode %04o)".formatted(path, data.length, mode);
    }
}

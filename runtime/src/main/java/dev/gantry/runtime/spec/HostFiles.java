package dev.gantry.runtime.spec;

import java.io.IOException;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** What compilation needs to know of the host's files. May block on a hanging file system: call with a deadline. */
public interface HostFiles {
    /** Following symbolic links. */
    Kind kind(String path) throws IOException;

    /** Makes a directory with its parents, mode 0755. */
    void createDirectory(String path) throws IOException;

    /** The device file of this path, or all below it if it is a directory; without pseudo terminals. */
    List<DeviceNode> devices(String path) throws IOException;

    /** Names of the AppArmor profiles that are loaded; empty if that cannot be seen here. */
    Optional<Set<String>> appArmorProfiles() throws IOException;

    /** The profile of containers that name none, loaded by now; empty if there is none on this machine. */
    Optional<String> defaultAppArmorProfile();

    /** What a path is. */
    enum Kind {
        MISSING,
        DIRECTORY,
        OTHER
    }
}

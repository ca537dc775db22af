package dev.gantry.agent.volume;

import java.io.IOException;
import java.util.Optional;

/** Where {@code fileKeyRef} looks: files that containers of the pod wrote into its emptyDir volumes. */
public interface EnvFiles {
    /** Where there are none. */
    EnvFiles NONE = (volume, path, key) -> Optional.empty();

    /**
     * The value of a key.
     *
     * @param path inside the volume; does not leave it whatever links are there
     * @return empty if there is no such file, or no such key in it
     * @throws VolumeException if it is no file of environment variables
     */
    Optional<String> find(String volume, String path, String key) throws VolumeException, IOException;
}

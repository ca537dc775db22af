package dev.gantry.runtime.spec;

import java.util.List;
import java.util.Optional;
import java.util.Set;

/** A host on which every path is a directory, without devices; nothing may be made on it. */
class FakeHost implements HostFiles {
    private final Optional<Set<String>> profiles;
    private final Optional<String> defaultProfile;

    /** Without AppArmor. */
    FakeHost() {
        this(Optional.empty(), Optional.empty());
    }

    FakeHost(Optional<Set<String>> profiles, Optional<String> defaultProfile) {
        this.profiles = profiles;
        this.defaultProfile = defaultProfile;
    }

    @Override
    public Kind kind(String path) {
        return Kind.DIRECTORY;
    }

    @Override
    public void createDirectory(String path) {
        throw new AssertionError(path);
    }

    @Override
    public List<DeviceNode> devices(String path) {
        return List.of();
    }

    @Override
    public Optional<Set<String>> appArmorProfiles() {
        return profiles;
    }

    @Override
    public Optional<String> defaultAppArmorProfile() {
        return defaultProfile;
    }
}

package dev.gantry.runtime.spec;

import dev.gantry.cri.v1.IDMapping;
import dev.gantry.cri.v1.NamespaceMode;
import dev.gantry.cri.v1.NamespaceOption;
import dev.gantry.cri.v1.UserNamespace;
import dev.gantry.runtime.pause.UserMaps;
import java.util.List;
import java.util.Optional;

/** Reads what CRI says of a pod's users. */
public final class PodUsers {
    private static final String FIELD = "namespace_options.userns_options";

    private PodUsers() {}

    /** The users of a pod or a container; empty if they are the host's. */
    public static Optional<UserMaps> of(NamespaceOption namespaces) throws SpecException {
        if (!namespaces.hasUsernsOptions()) {
            return Optional.empty();
        }
        UserNamespace users = namespaces.getUsernsOptions();
        if (users.getMode() == NamespaceMode.NODE) {
            if (users.getUidsCount() + users.getGidsCount() > 0) {
                throw SpecException.invalid("%s: the host's users are not mapped", FIELD);
            }
            return Optional.empty();
        }
        if (users.getMode() != NamespaceMode.POD) {
            throw SpecException.invalid("%s.mode: must be POD or NODE, is %s", FIELD, users.getMode());
        }
        for (NamespaceMode shared : List.of(namespaces.getNetwork(), namespaces.getIpc(), namespaces.getPid())) {
            if (shared == NamespaceMode.NODE) {
                throw SpecException.invalid("%s: users of the pod's own go with no namespace of the host", FIELD);
            }
        }
        IDMapping user = only(FIELD + ".uids", users.getUidsList());
        IDMapping group = only(FIELD + ".gids", users.getGidsList());
        return Optional.of(maps(FIELD, user, group));
    }

    /** The maps of one mount, which can only be the pod's. */
    static boolean areMapped(String field, List<IDMapping> uids, List<IDMapping> gids, Optional<UserMaps> pod)
            throws SpecException {
        if (uids.isEmpty() && gids.isEmpty()) {
            return false;
        }
        UserMaps maps = maps(field, only(field + ".uidMappings", uids), only(field + ".gidMappings", gids));
        if (pod.isEmpty() || !pod.get().equals(maps)) {
            throw SpecException.invalid("%s.uidMappings: must be those of the pod", field);
        }
        return true;
    }

    private static IDMapping only(String field, List<IDMapping> mappings) throws SpecException {
        if (mappings.size() != 1) {
            throw SpecException.invalid("%s: must be one mapping, are %d", field, mappings.size());
        }
        if (mappings.get(0).getContainerId() != 0) {
            throw SpecException.invalid(
                    "%s: container_id must be 0, is %s",
                    field, unsigned(mappings.get(0).getContainerId()));
        }
        return mappings.get(0);
    }

    private static UserMaps maps(String field, IDMapping user, IDMapping group) throws SpecException {
        try {
            return new UserMaps(
                    unsigned(user.getHostId()),
                    unsigned(group.getHostId()),
                    unsigned(user.getLength()),
                    unsigned(group.getLength()));
        } catch (IllegalArgumentException e) {
            throw SpecException.invalid("%s: %s", field, String.valueOf(e.getMessage()));
        }
    }

    private static long unsigned(int id) {
        return Integer.toUnsignedLong(id);
    }
}

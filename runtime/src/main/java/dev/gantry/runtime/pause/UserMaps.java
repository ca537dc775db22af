package dev.gantry.runtime.pause;

/**
 * Which ids of the host the users and groups 0, 1, … of a pod stand for, see user_namespaces(7).
 *
 * @param firstUser the host's id of the pod's root, above 0
 * @param firstGroup the host's id of the pod's group 0, above 0
 * @param users how many there are, above 0
 * @param groups how many there are, above 0
 */
public record UserMaps(long firstUser, long firstGroup, long users, long groups) {
    /** (uid_t) -1 stands for no user. */
    private static final long END = 0xffff_ffffL;

    public UserMaps {
        check("users", firstUser, users);
        check("groups", firstGroup, groups);
    }

    private static void check(String what, long first, long count) {
        if (first < 1 || count < 1 || first > END - count) {
            throw new IllegalArgumentException(
                    "%d %s from %d of the host: must be some of 1 to %d".formatted(count, what, first, END - 1));
        }
    }

    /** The host's id of a user of the pod. */
    public int user(int inside) {
        return (int) (firstUser + inside);
    }

    /** The host's id of a group of the pod. */
    public int group(int inside) {
        return (int) (firstGroup + inside);
    }

    /** As {@code /proc/<pid>/uid_map} takes it. */
    String userMap() {
        return "0 " + firstUser + " " + users + "\n";
    }

    /** As {@code /proc/<pid>/gid_map} takes it. */
    String groupMap() {
        return "0 " + firstGroup + " " + groups + "\n";
    }
}

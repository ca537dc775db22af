package dev.gantry.cgroups;

/** One value to write to one file of a cgroup. */
record CgroupWrite(String file, String value, IfAbsent ifAbsent) {
    /** What it means that a file does not exist although its controller is on. */
    enum IfAbsent {
        /** The value would change nothing. */
        IGNORE,
        /** The kernel lacks this kind of limit. */
        REPORT,
        /** The caller asked for a file that cannot be. */
        FAIL
    }

    static CgroupWrite of(String file, String value) {
        return new CgroupWrite(file, value, IfAbsent.FAIL);
    }

    static CgroupWrite optional(String file, String value) {
        return new CgroupWrite(file, value, IfAbsent.IGNORE);
    }

    static CgroupWrite reported(String file, String value) {
        return new CgroupWrite(file, value, IfAbsent.REPORT);
    }
}

package dev.gantry.cgroups;

/**
 * Whoever keeps the cgroups above containers besides the agent. Where a runtime has systemd make its containers' scopes, the slices around them are systemd's: it would take back
 * limits that it was not told of.
 */
public interface SliceManager {
    /** Plain directories, which belong to nobody else. */
    SliceManager NONE = new SliceManager() {
        @Override
        public void apply(String path, CgroupResources resources) {
            // what is written to the files holds
        }

        @Override
        public void remove(String path) {
            // removing the directory is enough
        }
    };

    /**
     * Tells of a cgroup that is about to be made, or of other limits of one that is there.
     *
     * @param path as {@link CgroupNaming} has it
     */
    void apply(String path, CgroupResources resources) throws CgroupException;

    /** Has it go, with whatever is in it; nothing happens if it is not there. */
    void remove(String path) throws CgroupException;
}

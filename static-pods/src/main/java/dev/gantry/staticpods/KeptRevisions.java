package dev.gantry.staticpods;

import java.util.Map;

/**
 * The last good revision of each manifest, kept where the next agent finds it: a manifest that is broken or cannot be read when that
 * one starts then stops no pod. Called on the watcher's executor. Failing to keep one is the implementation's to report: pods
 * do not depend on it.
 */
public interface KeptRevisions {
    /** What earlier agents have kept: contents by the paths of their files. */
    Map<String, byte[]> load();

    /** Keeps a file's content in place of what there was of it. */
    void keep(String file, byte[] content);

    /** The file is gone, or what was kept of it is of no use. */
    void forget(String file);
}

package dev.gantry.runtime.seccomp;

import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/** Finished filters, each made once. Few exist: pods share profiles and capability sets. Safe for threads. */
public final class SeccompFilters {
    private static final int MAX_CACHED = 256;

    private final SeccompCompiler compiler;
    private final SeccompArchitecture machine;
    private final Map<Key, byte[]> filters = new ConcurrentHashMap<>();

    public SeccompFilters(SeccompArchitecture machine) {
        this.compiler = new SeccompCompiler(SyscallTable.builtIn());
        this.machine = machine;
    }

    /**
     * Returns an array of {@code struct sock_filter}; the caller must not change it.
     *
     * @param capabilities in the bounding set of the container, {@code CAP_…}
     */
    public byte[] filter(SeccompProfile profile, Set<String> capabilities) {
        Key key = new Key(profile, Set.copyOf(capabilities));
        byte[] cached = filters.get(key);
        if (cached == null) {
            if (filters.size() >= MAX_CACHED) {
                filters.clear();
            }
            cached = compiler.compile(profile, key.capabilities, machine);
            filters.put(key, cached);
        }
        return cached;
    }

    private record Key(SeccompProfile profile, Set<String> capabilities) {}
}

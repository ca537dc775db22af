package dev.gantry.staticpods;

import java.util.Map;

/** An agent that has had no predecessor and will have no successor. */
final class NothingKept implements KeptRevisions {
    @Override
    public Map<String, byte[]> load() {
        return Map.of();
    }

    @Override
    public void keep(String file, byte[] content) {}

    @Override
    public void forget(String file) {}
}

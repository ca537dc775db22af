package dev.gantry.agent.cli;

import dev.gantry.agent.config.NodePaths;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/** Notes what would be started in this process. */
final class FakeNode implements Node {
    final List<String> calls = new ArrayList<>();
    Map<String, String> flags = Map.of();

    @Override
    public int runAgent(NodePaths paths, Map<String, String> given) {
        calls.add("agent " + paths.root());
        flags = given;
        return 0;
    }

    @Override
    public int runRuntime(NodePaths paths, Path socket, Map<String, String> given) {
        calls.add("runtime " + paths.root() + " " + socket);
        flags = given;
        return 0;
    }

    @Override
    public RunningAgent startAgent(NodePaths paths, Map<String, String> given) throws CliException {
        flags = given;
        throw new CliException("cannot start an agent here");
    }

    @Override
    public LocalImages openImages(NodePaths paths) {
        calls.add("images " + paths.images());
        return new LocalImages() {
            @Override
            public void pull(String reference, Consumer<String> progress) {
                calls.add("pull " + reference);
                progress.accept("{\"progress\":{\"phase\":\"resolving\"}}");
                progress.accept(
                        "{\"progress\":{\"phase\":\"fetching\",\"bytesDone\":1,\"bytesTotal\":2200000,\"layersTotal\":1}}");
                progress.accept("{\"image\":{\"id\":\"sha256:" + "ab".repeat(32)
                        + "\",\"repoTags\":[\"docker.io/library/busybox:latest\"],\"sizeBytes\":4270000}}");
            }

            @Override
            public void load(Path archive, Consumer<String> progress) {
                calls.add("load " + archive);
                progress.accept(
                        "{\"error\":{\"code\":422,\"reason\":\"Invalid\",\"message\":\"no index.json in it\"}}");
            }

            @Override
            public String list() {
                return "{\"items\":[{\"id\":\"sha256:" + "ab".repeat(32)
                        + "\",\"repoTags\":[\"docker.io/library/busybox:latest\"],\"repoDigests\":[],\"sizeBytes\":4270000,"
                        + "\"loadedAt\":\"2020-01-01T00:00:00Z\"}]}";
            }

            @Override
            public void remove(String reference) throws CliException {
                throw new CliException("no such image: " + reference);
            }

            @Override
            public void close() {
                calls.add("closed");
            }
        };
    }

    @Override
    public String explain(NodePaths paths, Path file, byte[] manifest) {
        return "execve(\"/bin/sh\")\n";
    }
}

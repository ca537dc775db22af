package dev.gantry.netns.cni;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;

/** Plugins that are shell scripts: they note how they were called, and answer as a test says. */
final class FakePlugins {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String SCRIPT = """
            #!/bin/sh
            cd '%s' || exit 1
            cat > "input-$CNI_COMMAND-%s"
            kind=none
            if [ -n "$CNI_NETNS" ]; then kind=$(stat -f -c %%T "$CNI_NETNS" 2>/dev/null || echo gone); fi
            echo "$CNI_COMMAND %s $kind" >> calls
            if [ -e "hang-$CNI_COMMAND" ]; then sleep 600 & wait; fi
            if [ -e "fail-$CNI_COMMAND" ]; then cat "fail-$CNI_COMMAND"; exit 1; fi
            if [ "$CNI_COMMAND" = ADD ]; then cat result; fi
            exit 0
            """;

    private final Path directory;

    FakePlugins(Path directory, String... names) throws IOException {
        this.directory = directory;
        for (String name : names) {
            Path program = Files.writeString(directory.resolve(name), SCRIPT.formatted(directory, name, name));
            Files.setPosixFilePermissions(program, PosixFilePermissions.fromString("rwxr-xr-x"));
        }
        result("{\"cniVersion\": \"1.1.0\", \"ips\": [{\"address\": \"fd00::2/64\"},"
                + " {\"address\": \"10.1.0.2/16\", \"gateway\": \"10.1.0.1\"}]}");
    }

    void result(String json) throws IOException {
        Files.writeString(directory.resolve("result"), json);
    }

    void fail(String command, String error) throws IOException {
        Files.writeString(directory.resolve("fail-" + command), error);
    }

    void hang(String command) throws IOException {
        Files.createFile(directory.resolve("hang-" + command));
    }

    void behave() throws IOException {
        for (String command : List.of("ADD", "DEL", "CHECK", "STATUS", "GC")) {
            Files.deleteIfExists(directory.resolve("fail-" + command));
            Files.deleteIfExists(directory.resolve("hang-" + command));
        }
    }

    /** {@code ADD bridge nsfs}: command, plugin, and what is at CNI_NETNS; since the last time this was asked. */
    List<String> calls() throws IOException {
        Path calls = directory.resolve("calls");
        List<String> lines = Files.exists(calls) ? Files.readAllLines(calls) : List.of();
        Files.deleteIfExists(calls);
        return lines;
    }

    /** What a plugin last read. */
    JsonNode input(String command, String plugin) throws IOException {
        return JSON.readTree(Files.readAllBytes(directory.resolve("input-" + command + "-" + plugin)));
    }
}

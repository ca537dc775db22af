package dev.gantry.agent.api;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/** A server with a fake engine, where an agent with this root would have its own. */
public final class TestServer implements AutoCloseable {
    /** Not started yet. */
    public static final TestServer NONE = new TestServer(() -> {});

    private final Runnable close;

    private TestServer(Runnable close) {
        this.close = close;
    }

    public static TestServer start(Path root, FakePodEngine engine, FakeContainerIo io) throws IOException {
        Path logs = Files.createDirectories(root.resolve("log/pods"));
        ApiServer server = ApiServer.start(
                root.resolve("run/gantry.sock"),
                engine.backend(logs, io, Optional.empty()),
                ApiLimits.STANDARD,
                TestPods.CLOCK);
        return new TestServer(server::close);
    }

    @Override
    public void close() {
        close.run();
    }
}

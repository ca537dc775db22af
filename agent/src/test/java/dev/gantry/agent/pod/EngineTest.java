package dev.gantry.agent.pod;

import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;

/** A test with an engine of its own, over a fake runtime. */
abstract class EngineTest {
    @TempDir
    Path directory;

    EngineFixture fixture;

    @BeforeEach
    final void openEngine() {
        fixture = new EngineFixture(directory);
        fixture.run();
    }

    @AfterEach
    final void closeEngine() {
        fixture.close();
    }
}

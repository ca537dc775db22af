package dev.gantry.agent.cli;

import dev.gantry.staticpods.ModelJson;
import io.fabric8.kubernetes.api.model.Event;
import io.fabric8.kubernetes.api.model.Pod;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/** What {@code gantry describe} would print, for tests of other packages. */
public final class Description {
    private Description() {}

    /** A pod with its events. */
    public static String of(Pod pod, List<Event> events, Clock clock) throws IOException {
        String items = events.stream()
                .filter(event -> pod.getMetadata()
                        .getUid()
                        .equals(event.getInvolvedObject().getUid()))
                .map(ModelJson::write)
                .collect(Collectors.joining(",", "{\"items\":[", "]}"));
        PrintStream nowhere = new PrintStream(OutputStream.nullOutputStream(), true, StandardCharsets.UTF_8);
        Console console =
                new Console(InputStream.nullInputStream(), nowhere, nowhere, false, false, false, false, Map.of());
        return new PodDescription(console, clock).of(Json.parse(ModelJson.write(pod)), Json.parse(items));
    }
}

package dev.gantry.agent.cli;

import java.io.IOException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/** Shows the progress of a pull or load: a table of layers that is redrawn on a terminal, plain lines elsewhere. */
final class ProgressView {
    private static final long PLAIN_NANOS = 5_000_000_000L;

    private final Console console;
    private final String name;
    private final boolean quiet;
    private final List<Json> images = new ArrayList<>();
    private @Nullable Json error;
    private final LongSupplier nanoTime;
    private String phase = "";
    private int rows;
    private long toldAt;
    private final Set<String> told = new HashSet<>();

    ProgressView(Console console, String name, boolean quiet) {
        this(console, name, quiet, System::nanoTime);
    }

    /** With a clock for how often plain lines come. */
    ProgressView(Console console, String name, boolean quiet, LongSupplier nanoTime) {
        this.console = console;
        this.name = name;
        this.quiet = quiet;
        this.nanoTime = nanoTime;
    }

    /** Takes one line of the server's progress: {@code {"progress":…}}, {@code {"image":…}} or {@code {"error":…}}. */
    void line(String text) {
        Json line;
        try {
            line = Json.parse(text);
        } catch (IOException e) {
            error = new Json(java.util.Map.of("message", "the agent sent progress that is not JSON: " + text));
            return;
        }
        if (line.at("error").isPresent()) {
            error = line.at("error");
        } else if (line.at("image").isPresent()) {
            images.add(line.at("image"));
        } else if (!quiet) {
            progress(line.at("progress"));
        }
    }

    private void progress(Json progress) {
        if (console.outIsTerminal()) {
            redraw(progress);
        } else {
            plain(progress);
        }
        console.out().flush();
    }

    private void redraw(Json progress) {
        List<String> lines = new ArrayList<>();
        StringBuilder head = new StringBuilder(name).append(": ").append(progress.text("phase"));
        for (String part : List.of(ProgressText.amounts(progress), ProgressText.layers(progress))) {
            head.append(part.isEmpty() ? "" : ", " + part);
        }
        lines.add(head.toString());
        lines.addAll(ProgressText.rows(progress));
        int width = console.columns() - 1;
        StringBuilder out = new StringBuilder(top());
        for (String line : lines) {
            out.append(line, 0, Math.min(width, line.length())).append("\u001b[K\n");
        }
        console.out().print(out.append("\u001b[J"));
        rows = lines.size();
    }

    /** To where the table begins. */
    private String top() {
        return rows > 0 ? "\r\u001b[" + rows + "A" : "";
    }

    private void plain(Json progress) {
        long now = nanoTime.getAsLong();
        if (!progress.text("phase").equals(phase)) {
            phase = progress.text("phase");
            toldAt = now;
            long total = progress.number("bytesTotal");
            console.out()
                    .println(name + ": " + phase
                            + (total > 0
                                    ? ", " + Sizes.human(total) + " in " + progress.number("layersTotal") + " layers"
                                    : ""));
        }
        for (Json layer : progress.items("layers")) {
            String digest = layer.text("digest");
            String state = layer.text("state");
            if ((state.equals("done") || state.equals("present")) && told.add(digest)) {
                console.out().println(name + ": " + digest + (state.equals("done") ? " done" : " already here"));
            }
        }
        if (now - toldAt >= PLAIN_NANOS && progress.number("bytesTotal") > 0) {
            toldAt = now;
            console.out().println(name + ": " + ProgressText.amounts(progress) + ", " + ProgressText.layers(progress));
        }
    }

    /** Ends the table and tells the result. */
    void end() throws CliException {
        if (rows > 0) {
            console.out().print(top() + "\u001b[J");
            console.out().flush();
        }
        Json failure = error;
        if (failure != null) {
            String reason = failure.text("reason");
            throw CliException.fromServer((int) failure.number("code"), reason, failure.text("message"));
        }
        if (images.isEmpty()) {
            throw new CliException("the agent went away before " + name + " was complete");
        }
        for (Json image : images) {
            if (quiet) {
                console.out().println(image.text("id"));
                continue;
            }
            List<Json> tags = image.items("repoTags");
            String shown = tags.isEmpty() ? name : tags.get(0).text();
            console.out()
                    .println(shown + "  "
                            + console.dim(image.text("id")
                                    .substring(0, Math.min(19, image.text("id").length()))) + "  "
                            + Sizes.human(image.number("sizeBytes")));
        }
        console.out().flush();
    }
}

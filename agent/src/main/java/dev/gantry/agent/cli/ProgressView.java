package dev.gantry.agent.cli;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Shows the progress of a pull or load: a bar that is redrawn on a terminal, plain lines elsewhere. */
final class ProgressView {
    private static final int BAR = 30;

    private final Console console;
    private final String name;
    private final boolean quiet;
    private final List<Json> images = new ArrayList<>();
    private @Nullable Json error;
    private String phase = "";
    private boolean drawn;

    ProgressView(Console console, String name, boolean quiet) {
        this.console = console;
        this.name = name;
        this.quiet = quiet;
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
            String text = bar(progress);
            int width = console.columns() - 1;
            console.out().print("\r" + (text.length() > width ? text.substring(0, width) : text) + "\u001b[K");
            console.out().flush();
            drawn = true;
        } else if (!progress.text("phase").equals(phase)) {
            phase = progress.text("phase");
            console.out().println(name + ": " + phase + size(progress));
            console.out().flush();
        }
    }

    private static String size(Json progress) {
        long total = progress.number("bytesTotal");
        return total > 0 ? ", " + Sizes.human(total) + " in " + progress.number("layersTotal") + " layers" : "";
    }

    private String bar(Json progress) {
        long done = progress.number("bytesDone");
        long total = progress.number("bytesTotal");
        String label = name + " " + progress.text("phase");
        if (total <= 0) {
            return label + " …";
        }
        int filled = (int) Math.min(BAR, done * BAR / total);
        return label + " [" + "=".repeat(filled) + (filled < BAR ? ">" + " ".repeat(BAR - filled - 1) : "") + "] "
                + Sizes.human(done) + "/" + Sizes.human(total)
                + "  " + Sizes.human(progress.number("bytesPerSecond")) + "/s"
                + "  layers " + progress.number("layersDone") + "/" + progress.number("layersTotal");
    }

    /** Ends the bar and tells the result. */
    void end() throws CliException {
        if (drawn) {
            console.out().print("\r\u001b[K");
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

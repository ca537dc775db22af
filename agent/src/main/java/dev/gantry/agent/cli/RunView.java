package dev.gantry.agent.cli;

import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** What {@code gantry run} shows: news about the pods on standard error, what containers write on standard output. */
final class RunView {
    private static final String[] COLOURS = {"36", "35", "34", "32", "33"};

    private final Console console;
    private final boolean quiet;
    private final long began;
    private final boolean manyPods;
    private final Map<String, LineOutput> outputs = new HashMap<>();
    private int width;
    private final boolean manyContainers;

    RunView(Console console, List<Json> pods, boolean quiet, long began) {
        this.console = console;
        this.quiet = quiet;
        this.began = began;
        this.manyPods = pods.size() > 1;
        int containers = 0;
        for (Json pod : pods) {
            for (Json container : pod.items("spec", "containers")) {
                containers++;
                width = Math.max(
                        width,
                        label(pod.text("metadata", "name"), container.text("name"))
                                .length());
            }
        }
        this.manyContainers = containers > 1;
    }

    private String label(String pod, String container) {
        return manyPods ? pod + "/" + container : container;
    }

    /** A line about a pod, with the time since the start. */
    synchronized void news(String pod, String text) {
        if (!quiet) {
            double seconds = (System.nanoTime() - began) / 1e9;
            String time = String.format(Locale.ROOT, "%7.3fs", seconds);
            console.err().println(dim(time + "  " + (manyPods ? pod + ": " : "")) + text);
        }
    }

    /** Something that is not as it should be. */
    synchronized void warning(String pod, String text) {
        if (quiet) {
            console.err().println(pod + ": " + text);
        } else {
            news(pod, console.yellow(text));
        }
    }

    private String dim(String text) {
        return console.dim(text);
    }

    /** Where a container's log goes; the same for all its runs. */
    synchronized LineOutput output(String pod, String container) {
        String label = label(pod, container);
        LineOutput known = outputs.get(label);
        if (known != null) {
            return known;
        }
        String prefix = "";
        if (manyContainers && !quiet) {
            String colour = COLOURS[outputs.size() % COLOURS.length];
            prefix = console.paint(colour, label + " ".repeat(width - label.length()) + " |") + " ";
        }
        LineOutput output = new LineOutput(console, prefix);
        outputs.put(label, output);
        return output;
    }

    String good(String text) {
        return console.green(text);
    }
}

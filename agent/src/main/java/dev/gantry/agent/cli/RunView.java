package dev.gantry.agent.cli;

import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Stream;

/** What {@code gantry run} shows: news about the pods on standard error, what containers write on standard output. */
final class RunView {
    private static final String[] COLOURS = {"36", "35", "34", "32", "33"};

    private static final long PROGRESS_NANOS = 5_000_000_000L;

    private final Console console;
    private final boolean quiet;
    private final long began;
    private final boolean manyPods;
    private final Map<String, LineOutput> outputs = new HashMap<>();
    private int width;
    private final boolean manyContainers;
    /** What goes on now, by its subject; the last line of a terminal. */
    private final Map<String, String> status = new LinkedHashMap<>();

    private boolean drawn;
    private final Map<String, Long> progressAt = new HashMap<>();

    RunView(Console console, List<Json> pods, boolean quiet, long began) {
        this.console = console;
        this.quiet = quiet;
        this.began = began;
        this.manyPods = pods.size() > 1;
        int containers = 0;
        for (Json pod : pods) {
            for (Json container : containers(pod)) {
                containers++;
                width = Math.max(
                        width,
                        label(pod.text("metadata", "name"), container.text("name"))
                                .length());
            }
        }
        this.manyContainers = containers > 1;
    }

    /** Those that write a log: of ephemeral containers a new pod has none. */
    private static List<Json> containers(Json pod) {
        return Stream.of("initContainers", "containers")
                .flatMap(kind -> pod.items("spec", kind).stream())
                .toList();
    }

    private String label(String pod, String container) {
        return manyPods ? pod + "/" + container : container;
    }

    /** A line about a pod, with the time since the start. */
    synchronized void news(String pod, String text) {
        if (!quiet) {
            double seconds = (System.nanoTime() - began) / 1e9;
            String time = String.format(Locale.ROOT, "%7.3fs", seconds);
            clear();
            console.err().println(dim(time + "  " + (manyPods ? pod + ": " : "")) + text);
            draw();
        }
    }

    /** How far something is: on a terminal one line that changes, elsewhere a line now and then. */
    synchronized void progress(String pod, String subject, String text) {
        if (quiet) {
            return;
        }
        if (console.errIsTerminal()) {
            status(subject, text);
            return;
        }
        long now = System.nanoTime();
        Long before = progressAt.putIfAbsent(subject, now);
        if (before != null && now - before >= PROGRESS_NANOS) {
            progressAt.put(subject, now);
            news(pod, subject + ": " + text);
        }
    }

    /** What is said of a subject in the changing line; nothing any more if empty. */
    synchronized void status(String subject, String text) {
        if (text.isEmpty()) {
            status.remove(subject);
            progressAt.remove(subject);
        } else {
            status.put(subject, text);
        }
        clear();
        draw();
    }

    /** Takes the changing line away, so that something else can be written. */
    synchronized void clear() {
        if (drawn) {
            console.err().print("\r\u001b[K");
            console.err().flush();
            drawn = false;
        }
    }

    private void draw() {
        if (!status.isEmpty() && console.errIsTerminal() && !quiet) {
            StringBuilder line = new StringBuilder();
            status.forEach((subject, text) -> line.append(line.isEmpty() ? "          " : "; ")
                    .append(subject)
                    .append(": ")
                    .append(text));
            int columns = console.columns() - 1;
            console.err().print("\r" + dim(line.substring(0, Math.min(columns, line.length()))) + "\u001b[K");
            console.err().flush();
            drawn = true;
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
        LineOutput output = new LineOutput(console, prefix, this::clear);
        outputs.put(label, output);
        return output;
    }

    String good(String text) {
        return console.green(text);
    }
}

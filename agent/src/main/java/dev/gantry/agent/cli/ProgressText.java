package dev.gantry.agent.cli;

import java.util.ArrayList;
import java.util.List;

/** The progress of a pull in words and bars. */
final class ProgressText {
    private static final int BAR = 30;
    private static final int MOST_ROWS = 12;
    private static final int DIGEST = 12;

    private ProgressText() {}

    /** {@code 12.3MB/40.1MB, 8.20MB/s, 4s left}; empty while nothing is known. */
    static String amounts(Json progress) {
        long total = progress.number("bytesTotal");
        if (total <= 0) {
            return "";
        }
        long done = progress.number("bytesDone");
        long rate = progress.number("bytesPerSecond");
        String text = Sizes.human(done) + "/" + Sizes.human(total) + ", " + Sizes.human(rate) + "/s";
        return rate > 0 && done < total ? text + ", " + left((total - done + rate - 1) / rate) + " left" : text;
    }

    private static String left(long seconds) {
        if (seconds < 60) {
            return seconds + "s";
        }
        return seconds < 3600
                ? seconds / 60 + "m" + seconds % 60 + "s"
                : seconds / 3600 + "h" + seconds % 3600 / 60 + "m";
    }

    /** {@code layers 2/5}; empty while that is not known. */
    static String layers(Json progress) {
        long total = progress.number("layersTotal");
        return total > 0 ? "layers " + progress.number("layersDone") + "/" + total : "";
    }

    /** One line for each layer; of many layers those that something happens with, and how many others there are. */
    static List<String> rows(Json progress) {
        List<Json> all = progress.items("layers");
        List<Json> shown = new ArrayList<>(all);
        for (String state : List.of("present", "done", "waiting")) {
            for (int i = shown.size() - 1; i >= 0 && shown.size() > MOST_ROWS; i--) {
                if (shown.get(i).text("state").equals(state)) {
                    shown.remove(i);
                }
            }
        }
        List<String> rows = new ArrayList<>();
        for (Json layer : shown) {
            rows.add("  " + row(layer));
        }
        if (shown.size() < all.size()) {
            rows.add("  and " + (all.size() - shown.size()) + " more");
        }
        return rows;
    }

    private static String row(Json layer) {
        String digest = layer.text("digest");
        String name = digest.substring(digest.indexOf(':') + 1);
        String id = name.substring(0, Math.min(DIGEST, name.length()));
        long done = layer.number("bytesDone");
        long total = layer.number("bytesTotal");
        return switch (layer.text("state")) {
            case "present" -> id + "  already here";
            case "done" -> id + "  done" + (total > 0 ? "  " + Sizes.human(total) : "");
            case "fetching" ->
                total > 0 && done >= total
                        ? id + "  unpacking  " + Sizes.human(total)
                        : id + "  " + bar(done, total) + "  " + Sizes.human(done)
                                + (total > 0 ? "/" + Sizes.human(total) : "");
            default -> id + "  waiting" + (total > 0 ? "  " + Sizes.human(total) : "");
        };
    }

    private static String bar(long done, long total) {
        int filled = total <= 0 ? 0 : (int) Math.min(BAR, done * BAR / total);
        return "[" + "=".repeat(filled) + (filled < BAR ? ">" + " ".repeat(BAR - filled - 1) : "") + "]";
    }
}

package dev.gantry.bench;

import java.util.Arrays;

/** Measured values of one kind, in the order they came. */
final class Samples {
    private double[] values = new double[0];

    void add(double value) {
        values = Arrays.copyOf(values, values.length + 1);
        values[values.length - 1] = value;
    }

    int count() {
        return values.length;
    }

    double p50() {
        return percentile(50);
    }

    /** The smallest value that at least {@code percent} of all do not exceed. */
    double percentile(int percent) {
        if (values.length == 0) {
            throw new IllegalStateException("no samples");
        }
        double[] sorted = values.clone();
        Arrays.sort(sorted);
        return sorted[Math.max(0, (int) Math.ceil(percent / 100.0 * sorted.length) - 1)];
    }
}

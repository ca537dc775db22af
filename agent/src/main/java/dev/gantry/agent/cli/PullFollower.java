package dev.gantry.agent.cli;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;

/** Follows one image's pull in the agent, from the event that it begins to the event that it has ended. */
final class PullFollower extends Thread {
    private static final long NOT_YET_MILLIS = 100;

    private final Session session;
    private final RunView view;
    private final String pod;
    private final String image;
    private boolean over;

    PullFollower(Session session, RunView view, String pod, String image) {
        super("run-pull");
        setDaemon(true);
        this.session = session;
        this.view = view;
        this.pod = pod;
        this.image = image;
    }

    /** The pull has ended, well or badly. */
    void end() {
        synchronized (this) {
            over = true;
            notifyAll();
        }
        view.status(image, "");
    }

    @Override
    public void run() {
        Map<String, String> query = new LinkedHashMap<>();
        query.put("image", image);
        String path = ApiClient.query("/gantry/v1/images/pull", query);
        try {
            // The event comes before the pull: it may not be there yet.
            while (!isOver() && !follow(path)) {
                synchronized (this) {
                    if (!over) {
                        wait(NOT_YET_MILLIS);
                    }
                }
            }
        } catch (CliException | IOException e) {
            // another runtime does not tell, or the agent has gone: events say the rest
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private synchronized boolean isOver() {
        return over;
    }

    /** Whether there was a pull to follow. */
    private boolean follow(String path) throws CliException, IOException {
        boolean any = false;
        try (ApiResponse response = session.client().get(path);
                BufferedReader lines =
                        new BufferedReader(new InputStreamReader(response.body(), StandardCharsets.UTF_8))) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                any = true;
                Json progress = Json.parse(line).at("progress");
                String amounts = ProgressText.amounts(progress);
                if (!amounts.isEmpty()) {
                    show(amounts + ", " + ProgressText.layers(progress));
                }
            }
        }
        return any;
    }

    private synchronized void show(String text) {
        if (!over) {
            view.progress(pod, image, text);
        }
    }
}

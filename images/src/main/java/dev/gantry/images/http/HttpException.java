package dev.gantry.images.http;

import java.io.IOException;

/** The other side does not speak HTTP as it should, or says more than is reasonable. */
public final class HttpException extends IOException {
    public HttpException(String message) {
        super(message);
    }
}

package dev.gantry.staticpods;

/** The tag of an image reference, as far as defaults depend on it. */
final class ImageTag {
    private ImageTag() {}

    /** Whether {@code image} has no digest, and no tag or the tag {@code latest}. */
    static boolean isLatest(String image) {
        if (image.indexOf('@') >= 0) {
            return false;
        }
        int colon = image.lastIndexOf(':');
        // A colon before a slash belongs to the registry's port.
        return colon <= image.lastIndexOf('/') || image.endsWith(":latest");
    }
}

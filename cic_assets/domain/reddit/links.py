"""What the name of a link tells about what is behind it. Nothing is fetched.

No name makes a link a picture; names can only rule it out. What they do not tell gets asked.
"""

from urllib.parse import SplitResult, urlsplit

VIDEO = "video"
IMGUR_ALBUM = "imgur album: who asks what is in it needs a key of imgur's"
_MOVING_PICTURES = (".gifv", ".mp4", ".webm", ".mov", ".m4v", ".mkv", ".avi", ".mpd", ".m3u8", ".mp3", ".ogg", ".wav")
_STILL_PICTURES = (".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".avif", ".heic")
_VIDEO_HOSTS = frozenset(
    {
        "v.redd.it",
        "youtube.com",
        "youtube-nocookie.com",
        "youtu.be",
        "vimeo.com",
        "streamable.com",
        "gfycat.com",
        "redgifs.com",
        "twitch.tv",
        "tiktok.com",
        "dailymotion.com",
        "dai.ly",
    }
)
_REDDIT = ("reddit.com", "redd.it")
_REDDIT_MEDIA = ("i.redd.it", "preview.redd.it", "external-preview.redd.it", "i.reddituploads.com")
_IMGUR_ALBUMS = ("/a/", "/gallery/", "/t/", "/topic/", "/user/")


def why_no_picture(url: str) -> str:
    """Why a link is no still picture as far as its name tells, in a few words; empty if it may be one."""
    link = _split(url)
    if link is None:
        return ""
    path, host = link.path.lower(), (link.hostname or "").lower()
    if path.endswith(_MOVING_PICTURES):
        return VIDEO
    if any(is_host(host, video) for video in _VIDEO_HOSTS):
        return VIDEO
    if is_host(host, "imgur.com") and path.startswith(_IMGUR_ALBUMS):
        return IMGUR_ALBUM
    if not host or (any(is_host(host, reddit) for reddit in _REDDIT) and host not in _REDDIT_MEDIA):
        return "link to a page of Reddit"
    return ""


def names_picture(url: str) -> bool:
    """Whether a link is to a picture by its name, so that a preview of it shows that picture and not an article's."""
    link = _split(url)
    is_picture = link is not None and link.path.lower().endswith(_STILL_PICTURES)
    return is_picture or host_of(url) in _REDDIT_MEDIA or direct_picture(url) is not None


def is_host(host: str, domain: str) -> bool:
    """Whether a host is a domain or one of its subdomains; both in lower case."""
    return host == domain or host.endswith(f".{domain}")


def host_of(url: str) -> str:
    """The host of a URL in lower case; empty if it has none."""
    link = _split(url)
    return "" if link is None else (link.hostname or "").lower()


def direct_picture(url: str) -> str | None:
    """The picture itself behind a page that shows just one: `imgur.com/ID`. None for any other link."""
    link = _split(url)
    if link is None or (link.hostname or "").lower() not in ("imgur.com", "www.imgur.com", "m.imgur.com"):
        return None
    name = link.path.strip("/")
    # imgur serves the picture in the format it has, whichever extension is asked for.
    return f"{link.scheme}://i.imgur.com/{name}.jpg" if name.isascii() and name.isalnum() else None


def _split(url: str) -> SplitResult | None:
    try:
        link = urlsplit(url)
        _ = link.hostname
    except ValueError:
        return None
    return link
